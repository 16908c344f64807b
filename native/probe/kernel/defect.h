/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_DEFECT_H
#define LOCKPROOF_KERNEL_DEFECT_H

#include <stdbool.h>

/* A kernel with native/kernel/defects.patch has one defect at a time, by its number. */

bool kernel_has_defects(void);

/* Gives it one, or with 0 none; 0 or -errno. */
long kernel_plant_defect(unsigned long number);

#endif
