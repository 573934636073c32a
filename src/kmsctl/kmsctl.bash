# SPDX-License-Identifier: Apache-2.0
# Completes kmsctl's words in bash. The words come from kmsctl itself, so that they are always those of its tables.
# shellcheck shell=bash

_kmsctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} word words=()
	while IFS= read -r word; do
		words+=("$word")
	done < <("${COMP_WORDS[0]}" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)

	COMPREPLY=()
	for word in ${words[@]+"${words[@]}"}; do
		case $word in
		@file)
			compopt -o filenames 2>/dev/null
			while IFS= read -r word; do
				COMPREPLY+=("$word")
			done < <(compgen -f -- "$cur")
			;;
		-*)
			# Options only when asked for: they would hide the words that matter.
			[[ $cur == -* && $word == "$cur"* ]] && COMPREPLY+=("$word")
			;;
		"$cur"*)
			COMPREPLY+=("$word")
			;;
		esac
	done
}
complete -F _kmsctl kmsctl
