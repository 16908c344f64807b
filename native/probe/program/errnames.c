/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "program/errnames.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "program/text.h"

struct named {
	int number;
	const char *name;
};

/* The numbers differ between architectures; only the preprocessor has the names. */
#define NAMED(name)                                                                                                    \
	{                                                                                                              \
		name, #name                                                                                            \
	}

static const struct named errors[] = {
	NAMED(EPERM),
	NAMED(ENOENT),
	NAMED(ESRCH),
	NAMED(EINTR),
	NAMED(EIO),
	NAMED(ENXIO),
	NAMED(E2BIG),
	NAMED(ENOEXEC),
	NAMED(EBADF),
	NAMED(ECHILD),
	NAMED(EAGAIN),
	NAMED(ENOMEM),
	NAMED(EACCES),
	NAMED(EFAULT),
	NAMED(ENOTBLK),
	NAMED(EBUSY),
	NAMED(EEXIST),
	NAMED(EXDEV),
	NAMED(ENODEV),
	NAMED(ENOTDIR),
	NAMED(EISDIR),
	NAMED(EINVAL),
	NAMED(ENFILE),
	NAMED(EMFILE),
	NAMED(ENOTTY),
	NAMED(ETXTBSY),
	NAMED(EFBIG),
	NAMED(ENOSPC),
	NAMED(ESPIPE),
	NAMED(EROFS),
	NAMED(EMLINK),
	NAMED(EPIPE),
	NAMED(EDOM),
	NAMED(ERANGE),
	NAMED(EDEADLK),
	NAMED(ENAMETOOLONG),
	NAMED(ENOLCK),
	NAMED(ENOSYS),
	NAMED(ENOTEMPTY),
	NAMED(ELOOP),
	NAMED(ENOMSG),
	NAMED(EIDRM),
	NAMED(ECHRNG),
	NAMED(EL2NSYNC),
	NAMED(EL3HLT),
	NAMED(EL3RST),
	NAMED(ELNRNG),
	NAMED(EUNATCH),
	NAMED(ENOCSI),
	NAMED(EL2HLT),
	NAMED(EBADE),
	NAMED(EBADR),
	NAMED(EXFULL),
	NAMED(ENOANO),
	NAMED(EBADRQC),
	NAMED(EBADSLT),
	NAMED(EBFONT),
	NAMED(ENOSTR),
	NAMED(ENODATA),
	NAMED(ETIME),
	NAMED(ENOSR),
	NAMED(ENONET),
	NAMED(ENOPKG),
	NAMED(EREMOTE),
	NAMED(ENOLINK),
	NAMED(EADV),
	NAMED(ESRMNT),
	NAMED(ECOMM),
	NAMED(EPROTO),
	NAMED(EMULTIHOP),
	NAMED(EDOTDOT),
	NAMED(EBADMSG),
	NAMED(EOVERFLOW),
	NAMED(ENOTUNIQ),
	NAMED(EBADFD),
	NAMED(EREMCHG),
	NAMED(ELIBACC),
	NAMED(ELIBBAD),
	NAMED(ELIBSCN),
	NAMED(ELIBMAX),
	NAMED(ELIBEXEC),
	NAMED(EILSEQ),
	NAMED(ERESTART),
	NAMED(ESTRPIPE),
	NAMED(EUSERS),
	NAMED(ENOTSOCK),
	NAMED(EDESTADDRREQ),
	NAMED(EMSGSIZE),
	NAMED(EPROTOTYPE),
	NAMED(ENOPROTOOPT),
	NAMED(EPROTONOSUPPORT),
	NAMED(ESOCKTNOSUPPORT),
	NAMED(EOPNOTSUPP),
	NAMED(EPFNOSUPPORT),
	NAMED(EAFNOSUPPORT),
	NAMED(EADDRINUSE),
	NAMED(EADDRNOTAVAIL),
	NAMED(ENETDOWN),
	NAMED(ENETUNREACH),
	NAMED(ENETRESET),
	NAMED(ECONNABORTED),
	NAMED(ECONNRESET),
	NAMED(ENOBUFS),
	NAMED(EISCONN),
	NAMED(ENOTCONN),
	NAMED(ESHUTDOWN),
	NAMED(ETOOMANYREFS),
	NAMED(ETIMEDOUT),
	NAMED(ECONNREFUSED),
	NAMED(EHOSTDOWN),
	NAMED(EHOSTUNREACH),
	NAMED(EALREADY),
	NAMED(EINPROGRESS),
	NAMED(ESTALE),
	NAMED(EUCLEAN),
	NAMED(ENOTNAM),
	NAMED(ENAVAIL),
	NAMED(EISNAM),
	NAMED(EREMOTEIO),
	NAMED(EDQUOT),
	NAMED(ENOMEDIUM),
	NAMED(EMEDIUMTYPE),
	NAMED(ECANCELED),
	NAMED(ENOKEY),
	NAMED(EKEYEXPIRED),
	NAMED(EKEYREVOKED),
	NAMED(EKEYREJECTED),
	NAMED(EOWNERDEAD),
	NAMED(ENOTRECOVERABLE),
	NAMED(ERFKILL),
	NAMED(EHWPOISON),
};

static const struct named signals[] = {
	NAMED(SIGHUP),	  NAMED(SIGINT),  NAMED(SIGQUIT),  NAMED(SIGILL),  NAMED(SIGTRAP), NAMED(SIGABRT),
	NAMED(SIGBUS),	  NAMED(SIGFPE),  NAMED(SIGKILL),  NAMED(SIGUSR1), NAMED(SIGSEGV), NAMED(SIGUSR2),
	NAMED(SIGPIPE),	  NAMED(SIGALRM), NAMED(SIGTERM),  NAMED(SIGCHLD), NAMED(SIGCONT), NAMED(SIGSTOP),
	NAMED(SIGTSTP),	  NAMED(SIGTTIN), NAMED(SIGTTOU),  NAMED(SIGURG),  NAMED(SIGXCPU), NAMED(SIGXFSZ),
	NAMED(SIGVTALRM), NAMED(SIGPROF), NAMED(SIGWINCH), NAMED(SIGIO),   NAMED(SIGPWR),  NAMED(SIGSYS),
#ifdef SIGSTKFLT
	NAMED(SIGSTKFLT),
#endif
};

static const char *find(const struct named *table, size_t count, int number, const char *prefix,
			char unknown[NAME_ROOM])
{
	struct text text = text_in(unknown, NAME_ROOM);

	for (size_t i = 0; i < count; i++) {
		if (table[i].number == number)
			return table[i].name;
	}
	text_format(&text, "%s?%d", prefix, number);
	text_close(&text);
	return unknown;
}

const char *error_name(int error, char unknown[NAME_ROOM])
{
	return find(errors, sizeof(errors) / sizeof(errors[0]), error, "E", unknown);
}

const char *signal_name(int signal, char unknown[NAME_ROOM])
{
	return find(signals, sizeof(signals) / sizeof(signals[0]), signal, "SIG", unknown);
}
