# SPDX-License-Identifier: Apache-2.0
# What cffi makes of native/models/model.h.

from collections.abc import Sequence
from typing import Literal, NewType, Protocol, overload

_Text = NewType("_Text", object)  # a `char *`

class _Finding(Protocol):
    checked: int
    broken: int
    space: int
    call: int
    n: int

class _Proof(Protocol):
    first: int
    past: int
    pages: int
    threads: int
    stop: int
    covered: int
    states: int
    findings: Sequence[_Finding]

class _Call(Protocol):
    name: _Text
    page: int
    pages: int
    flags: int
    future: int

class _Ffi:
    NULL: _Text
    def string(self, cdata: _Text) -> bytes: ...
    @overload
    def new(self, cdecl: Literal["struct lockproof_proof *"]) -> _Proof: ...
    @overload
    def new(self, cdecl: Literal["struct lockproof_call *"]) -> _Call: ...

class _Lib:
    def lockproof_model_name(self, number: int) -> _Text: ...
    def lockproof_mutant_name(self, number: int) -> _Text: ...
    def lockproof_mutant_requirement(self, number: int) -> _Text: ...
    def lockproof_mutant_about(self, number: int) -> _Text: ...
    def lockproof_model_hello(self, name: bytes) -> _Text: ...
    def lockproof_model_run(self, name: bytes, text: bytes, length: int) -> _Text: ...
    def lockproof_check_requirement(self, check: int) -> _Text: ...
    def lockproof_check_about(self, check: int) -> _Text: ...
    def lockproof_call(self, pages: int, number: int, call: _Call) -> int: ...
    def lockproof_prove(self, model: bytes, proof: _Proof) -> int: ...
    def lockproof_model_free(self, answer: _Text) -> None: ...

ffi: _Ffi
lib: _Lib
