/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_IMAGE_H
#define LOCKPROOF_KERNEL_IMAGE_H

#include "kernel/kernel.h"

/* What a process leaves to its new image, in memory that both map. */
struct handover {
	struct kernel kernel;
	struct program program;
	struct resume resume;
	bool tried; /* a new image was here, only to show that it can be */
};

/*
 * Memory that children share, zeroed but for its address at its beginning, and
 * a file that a new image can map it from (-1: there is none, and so no exec);
 * NULL: no memory.
 */
void *kernel_image_memory(size_t size, int *file);

/* The same in a new image, at the same address, as there are pointers in it; NULL: something else is there. */
void *kernel_image_again(size_t size, int file);

/* In a new image: the file that its arguments name, or -1 where it is none. */
int kernel_image_file(int count, char **arguments);

/* Whether the running program can be executed. Tried in a child. */
bool kernel_image_works(const struct kernel *kernel);

/* As struct system has them. */
long kernel_exec(void *self, const struct program *program, const struct resume *resume, bool missing);
long kernel_thread(void *self, void (*run)(void *argument), void *argument);

#endif
