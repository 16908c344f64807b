/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/build_id.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

enum { ROOM_FOR_NOTES = 4096, NOTE_ALIGN = 4 };

static size_t aligned(size_t size)
{
	return (size + NOTE_ALIGN - 1) / NOTE_ALIGN * NOTE_ALIGN;
}

static void write_digits(const unsigned char *bytes, size_t count, char *digits)
{
	static const char hexadecimal[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		*digits++ = hexadecimal[bytes[i] >> 4];
		*digits++ = hexadecimal[bytes[i] & 0xf];
	}
	*digits = '\0';
}

bool build_id_find(const unsigned char *notes, size_t size, char id[static BUILD_ID_ROOM])
{
	static const char name[] = "GNU";
	Elf64_Nhdr note; /* the same in 32 bits */

	while (size >= sizeof(note)) {
		size_t whole, start;

		memcpy(&note, notes, sizeof(note));
		if (note.n_namesz > size || note.n_descsz > size)
			return false;
		start = sizeof(note) + aligned(note.n_namesz);
		whole = start + aligned(note.n_descsz);
		if (whole > size)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(name) &&
		    memcmp(notes + sizeof(note), name, sizeof(name)) == 0) {
			if (note.n_descsz == 0 || note.n_descsz > (BUILD_ID_ROOM - 1) / 2)
				return false;
			write_digits(notes + start, note.n_descsz, id);
			return true;
		}
		notes += whole;
		size -= whole;
	}
	return false;
}

bool build_id_read(char id[static BUILD_ID_ROOM])
{
	unsigned char notes[ROOM_FOR_NOTES];
	int file = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
	ssize_t size;

	if (file < 0)
		return false;
	size = read(file, notes, sizeof(notes));
	close(file);
	return size > 0 && build_id_find(notes, (size_t)size, id);
}

static int find_own(struct dl_phdr_info *program, size_t size, void *id)
{
	(void)size;
	for (int i = 0; i < program->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &program->dlpi_phdr[i];
		const unsigned char *notes = (const unsigned char *)(program->dlpi_addr + part->p_vaddr);

		if (part->p_type == PT_NOTE && build_id_find(notes, part->p_memsz, id))
			return 1;
	}
	return -1; /* what comes next would be a library */
}

bool build_id_own(char id[static BUILD_ID_ROOM])
{
	return dl_iterate_phdr(find_own, id) == 1;
}
