"""The text of an expression: as Python code, with positions for messages."""

from __future__ import annotations

import ast
import re
import warnings

from rapidity.core.errors import ExpressionError

MAX_CHARACTERS = 10_000


class Source:
    """The text of one expression.

    Attributes
    ----------
    text
        As the user wrote it.
    quoted
        Position -> name that stands there in backticks.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # Line ends become spaces and quoted names underscores of the same length: positions stay right.
        self._plain = re.sub(r"[\r\n\t]", " ", text)
        self._shift = len(self._plain) - len(self._plain.lstrip())
        self.quoted: dict[int, str] = {}
        self._code = re.sub(r"`([^`]+)`", self._hide_quoted, self._plain)[self._shift :]

    def read(self) -> ast.expr:
        """Return Python's own tree of the text; every way to be unreadable is an ExpressionError."""
        if not self.text.strip():
            raise self.error(0, "is empty", "Write a column or a formula such as sqrt(px**2 + py**2)")
        if len(self.text) > MAX_CHARACTERS:
            raise self.error(0, f"has {len(self.text)} characters", f"At most {MAX_CHARACTERS} are allowed")
        if "`" in self._code:
            position = self._code.index("`") + self._shift
            raise self.error(position, "a backtick opens and none closes", "Add one")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                return ast.parse(self._code, mode="eval").body
        except SyntaxError as error:
            # Python gives offset 0 for an end that comes too early.
            position = self._shift + (error.offset - 1 if error.offset else len(self._code.rstrip()) - 1)
            advice = _syntax_advice(self._code)
            raise self.error(position, f"cannot be read ({error.msg})", advice) from error
        except ValueError as error:
            raise self.error(0, f"cannot be read ({error})", "Remove the unusual characters") from error

    def identifier(self, node: ast.Name) -> tuple[str, bool]:
        """Return the name and whether it is quoted."""
        start = self._position(node)
        return (self.quoted[start], True) if start in self.quoted else (self.written(node), False)

    def written(self, node: ast.expr) -> str:
        """Return a piece of the text as the user wrote it; Python normalises some letters."""
        end = self._shift + len(self._code.encode()[: node.end_col_offset].decode())
        return self._plain[self._position(node) : end]

    def error(self, where: int | ast.expr, found: str, advice: str) -> ExpressionError:
        """Return the error to raise: the expression, where, what was found, what to do."""
        position = where if isinstance(where, int) else self._position(where)
        shown = " ".join(self.text.split())
        shown = shown if len(shown) <= 120 else f"{shown[:117]}..."
        return ExpressionError(f"expression '{shown}', character {position + 1}: {found}. {advice}.")

    def _hide_quoted(self, match: re.Match[str]) -> str:
        self.quoted[match.start()] = match.group(1)
        return "_" * len(match.group(0))

    def _position(self, node: ast.expr) -> int:
        """Return where a node begins, as an index into the text (ast counts bytes)."""
        return self._shift + len(self._code.encode()[: node.col_offset].decode())


def excerpt(node: ast.AST) -> str:
    """Return a short piece of code for a message."""
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _syntax_advice(code: str) -> str:
    if re.search(r"&&|\|\||!(?!=)", code):
        return "Write 'and', 'or', 'not' for conditions"
    if re.search(r"(?<![=<>!])=(?!=)", code):
        return "Compare with '=='"
    return "Check parentheses and operators; put unusual column names in backticks, `like-this`"
