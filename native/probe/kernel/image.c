/* SPDX-License-Identifier: Apache-2.0 */

/*
 * New images and threads of the process. A new image of the probe finds its
 * program and its trace in memory that a file descriptor has brought along, and
 * goes on where the old one stopped.
 */
#define _GNU_SOURCE

#include "kernel/image.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/process.h"
#include "program/text.h"
#include "program/words.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { AWAY = 36 }; /* bits of an address that every 64-bit system has, and near which nothing lies */

enum { NUMBER_ROOM = 24, THREAD_STACK = 65536, NO_PROGRAM = -1 };

/* 64-bit times are the only ones on some 32-bit architectures. */
#ifdef SYS_futex
enum { CALL_FUTEX = SYS_futex };
#else
enum { CALL_FUTEX = SYS_futex_time64 };
#endif

enum { WAIT_WHILE_EQUAL = 0 }; /* FUTEX_WAIT; compilers for musl may lack linux/futex.h */

static const char resume_option[] = "--resume";

void *kernel_image_memory(size_t size, int *file)
{
	void *const far_from_all = (void *)(sizeof(void *) == 8 ? (uintptr_t)(1ULL << AWAY) : 0);
	int flags = MAP_SHARED;
	void *memory;

	*file = (int)kernel_memory_file();
	if (*file >= 0 && ftruncate(*file, (off_t)size) < 0) {
		close(*file);
		*file = -1;
	}
	if (*file < 0)
		flags |= MAP_ANONYMOUS;
	memory = mmap(far_from_all, size, PROT_READ | PROT_WRITE, flags, *file, 0);
	if (memory == MAP_FAILED)
		return NULL;
	*(void **)memory = memory;
	return memory;
}

void *kernel_image_again(size_t size, int file)
{
	void *memory, *again;

	if (pread(file, &memory, sizeof(memory), 0) != sizeof(memory))
		return NULL;
	again = mmap(memory, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
	return again == memory ? again : NULL;
}

int kernel_image_file(int count, char **arguments)
{
	unsigned long file;

	if (count != 3 || strcmp(arguments[1], resume_option) != 0 ||
	    !word_number((struct word){ arguments[2], strlen(arguments[2]) }, &file))
		return -1;
	return (int)file;
}

static void keep_open(int file)
{
	if (file >= 0)
		fcntl(file, F_SETFD, 0);
}

/* fail-nth names the task, which stays the same. */
static void keep_all_open(const struct kernel *kernel)
{
	const struct kernel_faults *faults = &kernel->faults;
	const int files[] = {
		faults->nth,	       faults->switches[0],    faults->switches[1],
		faults->log.file,      kernel->memory.current, kernel->memory.limit,
		kernel->handover_file,
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		keep_open(files[i]);
}

static long execute(const char *path, int file)
{
	char number[NUMBER_ROOM];
	char *const arguments[] = { (char *)"lockproof-probe", (char *)resume_option, number, NULL };
	char *const environment[] = { NULL };
	struct text text = text_in(number, sizeof(number));

	text_format(&text, "%d", file);
	text_close(&text);
	syscall(SYS_execve, path, arguments, environment);
	return -errno;
}

long kernel_exec(void *self, const struct program *program, const struct resume *resume, bool missing)
{
	const struct kernel *kernel = self;
	struct handover *handover = kernel->handover;

	if (!handover)
		return -ENOSYS;
	handover->kernel = *kernel;
	handover->program = *program;
	handover->resume = *resume;
	for (int i = 0; i < program->region_count; i++)
		keep_open(kernel->objects[i].file);
	keep_all_open(kernel);
	return execute(missing ? "/proc/self/lockproof-missing" : "/proc/self/exe", kernel->handover_file);
}

static void try_image(void *argument)
{
	const struct kernel *kernel = argument;

	kernel->handover->resume.step = NO_PROGRAM;
	keep_open(kernel->handover_file);
	execute("/proc/self/exe", kernel->handover_file);
}

bool kernel_image_works(const struct kernel *kernel)
{
	enum { TIME_TO_TRY = 10000 };

	if (!kernel->handover)
		return false;
	kernel->handover->tried = false;
	process_run(try_image, (void *)kernel, TIME_TO_TRY);
	return kernel->handover->tried;
}

struct thread_body {
	void (*run)(void *argument);
	void *argument;
};

static int run_body(void *argument)
{
	const struct thread_body *body = argument;

	body->run(body->argument);
	return 0;
}

static char thread_stack[THREAD_STACK] __attribute__((aligned(16)));

#ifdef __GLIBC__

/* The kernel clears `alive` when the thread is gone. Meanwhile this one only waits: both have one errno. */
static long run_in_thread(struct thread_body *body)
{
	pid_t alive = 1, now;
	int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

	if (clone(run_body, thread_stack + sizeof(thread_stack), flags, body, NULL, NULL, &alive) < 0)
		return -errno;
	while ((now = __atomic_load_n(&alive, __ATOMIC_ACQUIRE)) != 0)
		syscall(CALL_FUTEX, &alive, WAIT_WHILE_EQUAL, now, NULL, NULL, 0);
	return 0;
}

#else /* musl's clone refuses to make threads; its pthread_create maps nothing where it is given a stack */

static void *run_pthread(void *body)
{
	run_body(body);
	return NULL;
}

static long run_in_thread(struct thread_body *body)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	error = pthread_attr_setstack(&attributes, thread_stack, sizeof(thread_stack));
	if (!error)
		error = pthread_create(&thread, &attributes, run_pthread, body);
	return error ? -error : -pthread_join(thread, NULL);
}

#endif

long kernel_thread(void *self, void (*run)(void *argument), void *argument)
{
	struct thread_body body = { run, argument };

	(void)self;
	return run_in_thread(&body);
}
