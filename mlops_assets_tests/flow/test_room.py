"""The room opens without its heavy libraries."""

import subprocess
import sys

import mlops_assets.flow as room


def test_importing_the_room_imports_no_heavy_library():
    code = (
        "import sys, mlops_assets.flow\n"
        "print(sorted({'cv2', 'PIL', 'cupy', 'torch', 'av', 'polars'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_public_names_exist_and_say_what_they_do():
    assert room.__all__ == sorted(room.__all__)
    for name in room.__all__:
        if name != "Preset":
            assert len(getattr(room, name).__doc__) > 20
