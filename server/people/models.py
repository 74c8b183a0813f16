"""A person's second factor and open sessions. What the codes are made from lies sealed: the key is not in the database."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from datetime import timedelta

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from server.units.models import User

STEP = 30
DRIFT = 1
"""Steps by which a telephone's clock may be off, either way."""
TRIES, PAUSE = 5, timedelta(minutes=15)
RECOVERY = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz234679"


class SecondFactor(models.Model):
    """An authenticator program of a person (RFC 6238: SHA-1, six digits, 30 seconds: what every such program knows)."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    sealed = models.BinaryField(help_text="ChaCha20-Poly1305 of the secret; the key comes from secret.key")
    confirmed_at = models.DateTimeField(null=True, help_text="A code of it was typed once: from then on it is asked for")
    last_step = models.BigIntegerField(default=0, help_text="No code of this step or before is taken again")
    failures = models.PositiveSmallIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.user)

    @classmethod
    def begin(cls, user: User) -> SecondFactor:
        """A new one in place of one that nobody confirmed."""
        secret = pyotp.random_base32().encode()
        factor, _new = cls.objects.update_or_create(
            user=user, confirmed_at=None, defaults={"sealed": _seal(user, secret), "last_step": 0, "failures": 0}
        )
        return factor

    @property
    def secret(self) -> str:
        """Raises InvalidTag when secret.key is another than it was."""
        raw = bytes(self.sealed)
        return ChaCha20Poly1305(_key()).decrypt(raw[:12], raw[12:], _about(self.user_id)).decode()

    def address(self) -> str:
        """What the QR code says."""
        return pyotp.TOTP(self.secret).provisioning_uri(name=self.user.username, issuer_name="rasoat")

    def shut(self) -> bool:
        """Too many wrong codes of late."""
        return self.failures >= TRIES and self.failed_at is not None and timezone.now() - self.failed_at < PAUSE

    def accepts(self, text: str) -> bool:
        """Whether this is a code of now, or a recovery code; each counts once, also for two who send it side by side."""
        with transaction.atomic():
            mine = SecondFactor.objects.select_for_update().get(pk=self.pk)
            if mine.shut():
                return False
            good = mine._is_code(text) or mine._is_recovery(text)
            if good:
                mine.failures = 0
            else:
                aged = mine.failed_at is None or timezone.now() - mine.failed_at >= PAUSE
                mine.failures, mine.failed_at = (1 if aged else mine.failures + 1), timezone.now()
            mine.save()
        self.refresh_from_db()
        return good

    def _is_code(self, text: str) -> bool:
        digits = "".join(text.split())
        if not (digits.isascii() and digits.isdecimal() and len(digits) == 6):
            return False
        try:
            totp = pyotp.TOTP(self.secret)
        except InvalidTag:
            return False
        now = int(time.time()) // STEP
        for step in range(now - DRIFT, now + DRIFT + 1):
            if step > self.last_step and hmac.compare_digest(totp.at(step * STEP), digits):
                self.last_step = step
                return True
        return False

    def _is_recovery(self, text: str) -> bool:
        digest = _digest("".join(text.split()).replace("-", "").lower())
        return bool(self.recovery.filter(digest=digest, used_at=None).update(used_at=timezone.now()))

    def new_recovery(self) -> list[str]:
        """Codes for the day the telephone is lost, in place of all earlier ones. They cannot be had again."""
        codes = ["".join(secrets.choice(_ALPHABET) for _ in range(12)) for _ in range(RECOVERY)]
        with transaction.atomic():
            self.recovery.all().delete()
            RecoveryCode.objects.bulk_create([RecoveryCode(factor=self, digest=_digest(code)) for code in codes])
        return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


class RecoveryCode(models.Model):
    """58 bits at random, so a plain digest gives nothing away."""

    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.factor_id}: {'used' if self.used_at else 'open'}"


class Visit(models.Model):
    """One log-on and how long it lasts."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="visits")
    key = models.CharField(max_length=40, unique=True, help_text="Of the row in django_session")
    began_at = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        ordering = ["-began_at"]

    def __str__(self) -> str:
        return f"{self.user}: {self.began_at:%Y-%m-%d %H:%M}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _key() -> bytes:
    return hashlib.sha256(b"rasoat second factor 1\n" + settings.SECRET_KEY.encode()).digest()


def _about(user: int) -> bytes:
    return f"user {user}".encode()


def _seal(user: User, secret: bytes) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + ChaCha20Poly1305(_key()).encrypt(nonce, secret, _about(user.pk))
