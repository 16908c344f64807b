/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_PROGRAM_ERRNAMES_H
#define LOCKPROOF_PROGRAM_ERRNAMES_H

enum { NAME_ROOM = 16 };

/* "ENOMEM"; an unknown error is written into `unknown`, as "E?133". */
const char *error_name(int error, char unknown[NAME_ROOM]);

/* "SIGSEGV"; an unknown signal is written into `unknown`, as "SIG?34". */
const char *signal_name(int signal, char unknown[NAME_ROOM]);

#endif
