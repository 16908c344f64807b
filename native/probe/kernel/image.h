/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_IMAGE_H
#define LOCKPROOF_KERNEL_IMAGE_H

#include "kernel/kernel.h"

/* In a new image: the file that its arguments name, or -1 where it is none. */
int kernel_image_file(int count, char **arguments);

/*
 * Executes the program once more without randomisation of addresses, where the
 * kernel lets it: where things lie, and with it how often a call allocates, is
 * the same in every run. Returns where that is so already, or cannot be.
 */
void kernel_image_fix_addresses(char **arguments);

/* What the process was doing before it had this image; false: it cannot be read. Does not return to one that was only tried. */
bool kernel_image_take_over(int file, struct kernel *kernel, struct program *program, struct resume *resume);

/* Executes the running program, in a child; 0, or why that cannot be. */
long kernel_image_try(const struct kernel *kernel);

/* As struct system has them. */
long kernel_exec(void *self, const struct program *program, const struct resume *resume, bool missing);
long kernel_vfork(void *self, enum child_image image);
long kernel_posix_spawn(void *self, enum child_image image);
long kernel_make_thread_stack(void *self);
long kernel_thread(void *self, void (*run)(void *argument), void *argument);

#endif
