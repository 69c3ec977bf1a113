"""The library of passkeys is an extra: nothing needs it to start, and nothing loads it before a passkey is used."""

import subprocess
import sys

CONSOLE = "import ringback_server.console.app, ringback_server.console.serving, ringback_server.commands.root"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_console_starts_without_loading_it() -> None:
    done = run(f"{CONSOLE}\nimport sys; print(sorted({{'webauthn', 'OpenSSL', 'cbor2'}} & set(sys.modules)))")
    assert done.stdout == "[]\n", done.stderr


def test_the_console_can_be_imported_where_it_is_not_installed_and_knows_that() -> None:
    done = run(
        f"import sys; sys.modules['webauthn'] = None\n{CONSOLE}\n"
        "from ringback_server.console.ceremonies import is_installed; print(is_installed())"
    )
    assert done.stdout == "False\n", done.stderr
