# SPDX-License-Identifier: Apache-2.0
# What cffi makes of native/models/model.h.

from typing import NewType

_Text = NewType("_Text", object)  # a `char *`

class _Ffi:
    NULL: _Text
    def string(self, cdata: _Text) -> bytes: ...

class _Lib:
    def lockproof_model_name(self, number: int) -> _Text: ...
    def lockproof_model_hello(self, name: bytes) -> _Text: ...
    def lockproof_model_run(self, name: bytes, text: bytes, length: int) -> _Text: ...
    def lockproof_model_free(self, answer: _Text) -> None: ...

ffi: _Ffi
lib: _Lib
