/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The models, as Python calls them; cffi reads this header, so it has no line of
 * the preprocessor. Nothing is kept between calls, and any number of threads may
 * make them at the same time.
 *
 * Answers are in the protocol of the probe (native/probe/PROTOCOL.md): lines of
 * text, ended by a zero byte, to be given to lockproof_model_free(). NULL: there
 * is no model of that name, or not enough memory.
 */

/* The name of the model with that number, from 0; NULL after the last. */
const char *lockproof_model_name(size_t number);

/* The defects that a model can be given, by number from 0; NULL after the last: name, requirement, what is wrong. */
const char *lockproof_mutant_name(size_t number);
const char *lockproof_mutant_requirement(size_t number);
const char *lockproof_mutant_about(size_t number);

/* The model's hello. NAME is a model's, or MODEL/MUTANT, also below. */
char *lockproof_model_hello(const char *name);

/* The trace of one program, whose text goes from its `program` line to its `end`. */
char *lockproof_model_run(const char *name, const char *text, size_t length);

void lockproof_model_free(char *answer);

/*
 * Exhaustive exploration. An address space is a number: first come all of one
 * page, then all of two, and so on; of P pages there are 7 to the P. In the
 * system of base 7 the digit of page 0, the lowest, says what it is: 0 a hole, 1 read-write, 2
 * read-only, 3 PROT_NONE, and with 3 more the same, locked. Each is met by every
 * call on every range (lockproof_call() says which call has which number), and
 * each of those with no allocation failing, then the first, and so on to the last: a state.
 */
enum { LOCKPROOF_CHECKS = 22 };

/* What was found of one requirement. */
struct lockproof_finding {
	unsigned long long checked; /* states that it says something about */
	unsigned long long broken;
	unsigned long long space; /* the first that breaks it: the lowest number, call and n */
	int call;
	unsigned long n; /* the allocation that failed; 0: none */
};

struct lockproof_proof {
	unsigned long long first, past; /* address spaces to explore, without `past` */
	int pages;			/* of the largest of them, at most 10 */
	int threads;
	/* While it runs: */
	int stop;		    /* set it, and what is under way is finished */
	unsigned long long covered; /* all up to here are explored, or will be when the call returns */
	unsigned long long states;
	struct lockproof_finding findings[LOCKPROOF_CHECKS];
};

/* The requirement of a check, and what is checked; NULL after the last. */
const char *lockproof_check_requirement(int check);
const char *lockproof_check_about(int check);

/* The call with that number on P pages: its name, its first page and pages (0: it names none), and its flags. */
struct lockproof_call {
	const char *name;
	int page, pages;
	int flags;  /* of mlockall */
	int future; /* MCL_FUTURE was in force before */
};
int lockproof_call(int pages, int number, struct lockproof_call *call); /* 0: there is none */

/* Explores; 0, or -1: there is no such model, or not enough memory. */
int lockproof_prove(const char *model, struct lockproof_proof *proof);
