/* SPDX-License-Identifier: Apache-2.0 */
/* main() of a fuzz target in a build without libFuzzer: runs every input of its corpus once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;
	int ok = 0;

	if (f == NULL)
		return 0;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		/* Exactly as long as the input, so that ASan sees a read past its end. */
		data = malloc((size_t)size);
		if ((data != NULL || size == 0) &&
		    fread(data, 1, (size_t)size, f) == (size_t)size) {
			LLVMFuzzerTestOneInput(data, (size_t)size);
			ok = 1;
		}
	}
	free(data);
	fclose(f);
	return ok;
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *slash = strrchr(argv[0], '/');
	const char *name = slash == NULL ? argv[0] : slash + 1;
	int name_len = (int)strcspn(name, ".");
	char *folder = NULL, *path = NULL;
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	if (asprintf(&folder, "%s/tests/fuzz/corpus/%.*s", srcdir == NULL ? "." : srcdir, name_len,
		name) < 0)
		return 1;
	if ((dir = opendir(folder)) != NULL) {
		while ((entry = readdir(dir)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
				return 1;
			if (!replay_file(path)) {
				printf("not ok - fuzz target %.*s cannot read %s\n", name_len, name,
				    path);
				return 1;
			}
			n++;
			free(path);
		}
		closedir(dir);
	}
	printf("ok - fuzz target %.*s survives the %u inputs of its corpus\n", name_len, name, n);
	free(folder);
	return 0;
}
