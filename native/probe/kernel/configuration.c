/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/configuration.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "program/text.h"

enum { PIECE = 4096 };

static bool digest_file(const char *path, char digits[static SHA256_ROOM])
{
	unsigned char piece[PIECE];
	struct sha256 digest;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count;

	if (file < 0)
		return false;
	sha256_begin(&digest);
	while ((count = read(file, piece, sizeof(piece))) > 0)
		sha256_add(&digest, piece, (size_t)count);
	close(file);
	sha256_end(&digest, digits);
	return count == 0 && digest.bytes > 0;
}

bool configuration_read(const char *release, struct configuration *configuration)
{
	static const char *const paths[] = { "/proc/config.gz", "/boot/config-" };

	for (int i = 0; i < 2; i++) {
		struct text text = text_in(configuration->path, sizeof(configuration->path));

		text_format(&text, "%s%s", paths[i], i ? release : "");
		text_close(&text);
		if (digest_file(configuration->path, configuration->digest))
			return true;
	}
	return false;
}

void command_line_read(char line[static COMMAND_LINE_ROOM])
{
	int file = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t count = file < 0 ? -1 : read(file, line, COMMAND_LINE_ROOM - 1);

	if (file >= 0)
		close(file);
	line[count > 0 ? count : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
}
