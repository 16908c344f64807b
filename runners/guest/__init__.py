# SPDX-License-Identifier: Apache-2.0
"""A kernel in a guest of QEMU: whether KVM runs it (acceleration.py), and the file system that it boots (initramfs.py).

`Guest` is the connection to the probe in it: lines through memory shared with the guest (mailbox.py), and its console.
"""

from __future__ import annotations

from lockproof.runners.guest.acceleration import kvm_works
from lockproof.runners.guest.connection import Guest
from lockproof.runners.guest.initramfs import initramfs
from lockproof.runners.guest.mailbox import Mailbox, Terminal

__all__ = ["Guest", "Mailbox", "Terminal", "initramfs", "kvm_works"]
