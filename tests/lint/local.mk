# SPDX-License-Identifier: Apache-2.0
# Lints. The first group needs no tool but a shell and runs in make check too; make lint runs all.
# Each is a script that prints "ok - sentence", "not ok - sentence" or "skip - sentence" lines.

lint_tests += %D%/layers %D%/exports %D%/forbidden %D%/counting
lint_tools = %D%/format %D%/shell %D%/man
EXTRA_DIST += $(lint_tests) $(lint_tools)

.PHONY: lint lint-tools
lint: all lint-tools
	@failed=0; for l in $(lint_tests); do \
		srcdir='$(srcdir)' '$(srcdir)'/$$l || failed=1; \
	done; exit $$failed
lint-tools:
	@failed=0; for l in $(lint_tools); do \
		srcdir='$(srcdir)' '$(srcdir)'/$$l || failed=1; \
	done; exit $$failed
