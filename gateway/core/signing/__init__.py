"""What is signed, byte for byte; the signature itself is a function handed in. Three forms, one statement.

jwt         an assertion that holds every value: the default
hmac_form   a secret shared with one application, for stacks without elliptic curves
rfc9421     HTTP Message Signatures over the request as it is
"""

from typing import assert_never

from gateway.core.rules import SignatureForm
from gateway.core.signing.bound import (
    BodyMode,
    Bound,
    RequestSigner,
    Sign,
    Signer,
    Statement,
    Subject,
    check,
)
from gateway.core.signing.hmac_form import HmacSigner
from gateway.core.signing.jwt import JwtSigner
from gateway.core.signing.rfc9421 import MessageSigner


def prepare(form: SignatureForm, statement: Statement, *, signer: Signer, secret: bytes) -> RequestSigner | None:
    """Work out once what does not depend on the request; None when nothing is to be signed.

    `ValueRefused` and `ValueError` as `bound.check`.
    """
    if form is SignatureForm.NONE:
        return None
    check(statement)
    match form:
        case SignatureForm.JWT:
            return JwtSigner(statement, signer)
        case SignatureForm.HMAC:
            return HmacSigner(statement, secret)
        case SignatureForm.RFC9421:
            return MessageSigner(statement, signer)
        case _:
            assert_never(form)


__all__ = ["BodyMode", "Bound", "RequestSigner", "Sign", "Signer", "Statement", "Subject", "prepare"]
