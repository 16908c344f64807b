# SPDX-License-Identifier: Apache-2.0
"""Work on many machines, by Dask (lockproof[cluster]): `lockproof run`, `explore` and `prove` with --scheduler.

A `Pool` is what this machine, the client, has of the workers: jobs go out, what they found comes in. `workplace` is
what each worker has: targets of its own, and when to stop. `slices` is a run on a pool; the client alone writes.
"""
