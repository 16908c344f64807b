/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "kernel/progress.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kernel/files.h"
#include "kernel/process.h"

enum { LONG_ENOUGH = 1 << 20 }; /* to begin the file anew */

/* Followed by `length` bytes of lines. */
struct record {
	enum status status;
	int step;
	bool fault_reached;
	size_t length;
	char reason[sizeof(((struct execution *)NULL)->reason)];
};

int progress_open(void)
{
	int file = (int)file_in_memory();

	if (file < 0)
		file = (int)file_in_folder();
	return file < 0 || fcntl(file, F_SETFL, O_APPEND) < 0 ? -1 : file;
}

/* Who cannot tell what it does ends. */
static void publish(struct execution *execution)
{
	const struct progress *progress = (const struct progress *)execution;
	struct trace *trace = &execution->trace;
	struct record record = {
		.status = execution->status,
		.step = execution->step,
		.fault_reached = execution->fault_reached,
		.length = trace->complete,
	};
	const struct iovec parts[] = { { &record, sizeof(record) }, { trace->text.bytes, trace->complete } };

	memcpy(record.reason, execution->reason, sizeof(record.reason));
	if (writev(progress->file, parts, 2) != (ssize_t)(sizeof(record) + trace->complete))
		process_exit(1);
	*trace = trace_in(trace->text.bytes, trace->text.size);
}

char *progress_make_room(struct progress *progress, size_t pages)
{
	size_t size = ROOM_FOR_STRIPS(pages) + ROOM_FOR_LINES(pages);
	void *mapped;

	if (size <= sizeof(progress->room))
		return progress->room;
	if (size > progress->mapped_size) {
		mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mapped == MAP_FAILED)
			return NULL;
		progress->mapped = mapped;
		progress->mapped_size = size;
	}
	return progress->mapped;
}

void progress_give_up_room(struct progress *progress)
{
	if (progress->mapped_size)
		munmap(progress->mapped, progress->mapped_size);
	progress->mapped_size = 0;
}

void progress_start(struct progress *progress, int file, size_t pages)
{
	char *room = progress_make_room(progress, pages);

	if (!room)
		process_exit(1);
	progress->file = file;
	progress->execution.publish = publish;
	progress->execution.strips = room;
	progress->execution.trace = trace_in(room + ROOM_FOR_STRIPS(pages), ROOM_FOR_LINES(pages));
}

/* Of a process that was killed while it wrote, the last record may be cut off. */
bool progress_collect(struct progress_reader *reader, struct execution *execution)
{
	ssize_t count = pread(reader->file, reader->bytes, sizeof(reader->bytes), reader->at);
	size_t left = count < 0 ? 0 : (size_t)count;
	const char *at = reader->bytes;
	struct record record;
	bool fits = left < sizeof(reader->bytes);

	while (left >= sizeof(record)) {
		memcpy(&record, at, sizeof(record));
		at += sizeof(record);
		left -= sizeof(record);
		if (record.length > left)
			break;
		fits = fits && trace_lines(&execution->trace, at, record.length);
		at += record.length;
		left -= record.length;
		execution->status = record.status;
		execution->step = record.step;
		execution->fault_reached |= record.fault_reached;
		memcpy(execution->reason, record.reason, sizeof(record.reason));
	}
	reader->at += count < 0 ? 0 : count;
	if (reader->at >= LONG_ENOUGH || !fits) {
		if (ftruncate(reader->file, 0) == 0)
			reader->at = 0;
	}
	return fits;
}
