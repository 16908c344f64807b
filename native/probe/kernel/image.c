/* SPDX-License-Identifier: Apache-2.0 */

/*
 * New images and threads of the process. A new image of the probe finds what
 * the old one was doing in a file that stays open, and goes on where it stopped.
 */
#define _GNU_SOURCE

#include "kernel/image.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/process.h"
#include "program/text.h"
#include "program/words.h"

enum { NUMBER_ROOM = 24, THREAD_STACK = 65536, NO_PROGRAM = -1, IT_WORKS = 7, NOT_EXECUTED = 127 };

/* What a new image is started with. */
struct command {
	char number[NUMBER_ROOM];
	char *arguments[4];
};

static char *const environment[] = { NULL };

/* 64-bit times are the only ones on some 32-bit architectures. */
#ifdef SYS_futex
enum { CALL_FUTEX = SYS_futex };
#else
enum { CALL_FUTEX = SYS_futex_time64 };
#endif

enum { WAIT_WHILE_EQUAL = 0 }; /* FUTEX_WAIT; compilers for musl may lack linux/futex.h */

static const char resume_option[] = "--resume";
static const char missing_image[] = "/proc/self/lockproof-missing";

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
		kernel->handover_file, kernel->progress_file,
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		keep_open(files[i]);
}

static void write_command(struct command *command, int file)
{
	struct text text = text_in(command->number, sizeof(command->number));

	text_format(&text, "%d", file);
	text_close(&text);
	command->arguments[0] = (char *)"lockproof-probe";
	command->arguments[1] = (char *)resume_option;
	command->arguments[2] = command->number;
	command->arguments[3] = NULL;
}

static long execute(const char *path, int file)
{
	struct command command;

	write_command(&command, file);
	syscall(SYS_execve, path, command.arguments, environment);
	return -errno;
}

enum { PARTS = 3 };

/* The program comes last: a new image that is only tried has none. */
static ssize_t describe(struct iovec parts[PARTS], const struct kernel *kernel, const struct resume *resume,
			const struct program *program)
{
	parts[0] = (struct iovec){ (void *)kernel, sizeof(*kernel) };
	parts[1] = (struct iovec){ (void *)resume, sizeof(*resume) };
	parts[2] = (struct iovec){ (void *)program, program ? sizeof(*program) : 0 };
	return (ssize_t)(parts[0].iov_len + parts[1].iov_len + parts[2].iov_len);
}

/* Without /proc, by the name that it was started under. */
static const char *own_image(void)
{
	static const char by_proc[] = "/proc/self/exe";

	return access(by_proc, X_OK) == 0 ? by_proc : (const char *)getauxval(AT_EXECFN);
}

void kernel_image_fix_addresses(char **arguments)
{
	const unsigned long asked = 0xffffffff;
	int now = personality(asked);

	if (now < 0 || now & ADDR_NO_RANDOMIZE || personality((unsigned long)now | ADDR_NO_RANDOMIZE) < 0)
		return;
	execv(own_image(), arguments);
	personality((unsigned long)now);
}

/* Leaves in a file what a new image goes on with. */
static long hand_over(const struct kernel *kernel, const struct resume *resume, const struct program *program)
{
	struct iovec parts[PARTS];
	ssize_t size = describe(parts, kernel, resume, program);

	if (kernel->handover_file < 0)
		return kernel->handover_file;
	return pwritev(kernel->handover_file, parts, PARTS, 0) == size ? 0 : -ENOMEM;
}

long kernel_exec(void *self, const struct program *program, const struct resume *resume, bool missing)
{
	const struct kernel *kernel = self;
	long result = hand_over(kernel, resume, program);

	if (result < 0)
		return result;
	for (int i = 0; program && i < program->region_count; i++)
		keep_open(kernel->objects[i].file);
	keep_all_open(kernel);
	return execute(missing ? missing_image : own_image(), kernel->handover_file);
}

bool kernel_image_take_over(int file, struct kernel *kernel, struct program *program, struct resume *resume)
{
	struct iovec parts[PARTS];
	ssize_t size = describe(parts, kernel, resume, program), count = preadv(file, parts, PARTS, 0);

	if (count == describe(parts, kernel, resume, NULL) && resume->step == NO_PROGRAM)
		process_exit(IT_WORKS);
	kernel->filler = (struct filler){ 0 };
	kernel->smaps_file = kernel->status_file = -1; /* they were closed */
	return count == size;
}

static void try_image(void *argument)
{
	const struct resume resume = { .step = NO_PROGRAM };

	process_exit((int)-kernel_exec(argument, NULL, &resume, false));
}

long kernel_image_try(const struct kernel *kernel)
{
	enum { TIME_TO_TRY = 5000 };
	const struct ending ending = process_run(try_image, (void *)kernel, TIME_TO_TRY);

	if (ending.error)
		return -ending.error;
	if (ending.hung || !WIFEXITED(ending.status))
		return -EINTR;
	return WEXITSTATUS(ending.status) == IT_WORKS ? 0 : -WEXITSTATUS(ending.status);
}

/* A child finds nothing to do in the file, and ends as an image does that was only tried. */
static long prepare_child(const struct kernel *kernel, struct command *command)
{
	const struct resume resume = { .step = NO_PROGRAM };
	long result;

	if (kernel->handover_file >= 0 && ftruncate(kernel->handover_file, 0) < 0)
		return -ENOMEM;
	result = hand_over(kernel, &resume, NULL);
	if (result < 0)
		return result;
	keep_open(kernel->handover_file);
	write_command(command, kernel->handover_file);
	return 0;
}

static long await_child(pid_t child, int expected)
{
	int status = process_wait(child);

	return WIFEXITED(status) && WEXITSTATUS(status) == expected ? 0 : -ECHILD;
}

/* The child shares this process's memory, and may do no more than execute a program or exit. */
static pid_t start_sharing(const char *path, const struct command *command)
{
	pid_t child = vfork();

	if (child == 0) {
		if (path)
			execve(path, command->arguments, environment);
		_exit(path ? NOT_EXECUTED : 0);
	}
	return child;
}

long kernel_vfork(void *self, enum child_image image)
{
	static const int expected[] = { [CHILD_EXITS] = 0, [CHILD_SELF] = IT_WORKS, [CHILD_MISSING] = NOT_EXECUTED };
	const char *const paths[] = {
		[CHILD_EXITS] = NULL, [CHILD_SELF] = own_image(), [CHILD_MISSING] = missing_image
	};
	struct command command;
	long result = prepare_child(self, &command);
	pid_t child;

	if (result < 0)
		return result;
	child = start_sharing(paths[image], &command);
	return child < 0 ? -errno : await_child(child, expected[image]);
}

long kernel_posix_spawn(void *self, enum child_image image)
{
	const char *path = image == CHILD_MISSING ? missing_image : own_image();
	struct command command;
	long result = prepare_child(self, &command);
	pid_t child;
	int error;

	if (result < 0)
		return result;
	error = posix_spawn(&child, path, NULL, NULL, command.arguments, environment);
	return error ? -error : await_child(child, IT_WORKS);
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

static char *thread_stack; /* NULL: none, as in most programs, whose every mlockall would lock it */

long kernel_make_thread_stack(void *self)
{
	const struct kernel *kernel = self;
	long stack = kernel_mmap(0, THREAD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0,
				 kernel->page_size);

	if (kernel_is_error(stack))
		return stack;
	thread_stack = (char *)stack;
	return 0;
}

#ifdef __GLIBC__

/* The kernel clears `alive` when the thread is gone. Meanwhile this one only waits: both have one errno. */
static long run_in_thread(struct thread_body *body)
{
	pid_t alive = 1, now;
	int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

	if (clone(run_body, thread_stack + THREAD_STACK, flags, body, NULL, NULL, &alive) < 0)
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
	error = pthread_attr_setstack(&attributes, thread_stack, THREAD_STACK);
	if (!error)
		error = pthread_create(&thread, &attributes, run_pthread, body);
	return error ? -error : -pthread_join(thread, NULL);
}

#endif

long kernel_thread(void *self, void (*run)(void *argument), void *argument)
{
	struct thread_body body = { run, argument };
	long result = thread_stack ? 0 : kernel_make_thread_stack(self); /* a new image has none yet */

	return result < 0 ? result : run_in_thread(&body);
}
