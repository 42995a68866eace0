"""Check the check digits of identity numbers, bank cards and IBANs. Arguments hold no separators."""

from __future__ import annotations

from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_id_number(text: str) -> bool:
    """Tell whether 18 characters are a Chinese identity number: ISO 7064 MOD 11-2, and a date of birth that exists."""
    if len(text) != 18 or not text[:17].isdigit():
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == text[17].upper()


def is_luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(number * 2 - 9 * (number > 4) for number in numbers[1::2])) % 10 == 0


def is_iban(text: str) -> bool:
    """Tell whether it is an IBAN: ISO 7064 MOD 97-10."""
    if not 15 <= len(text) <= 34:
        return False
    return int("".join(str(int(each, 36)) for each in text[4:] + text[:4])) % 97 == 1
