"""The room opens without its heavy libraries."""

import inspect
import subprocess
import sys

import mlops_assets.flow as room


def test_importing_the_room_imports_no_heavy_library():
    code = (
        "import sys, mlops_assets.flow\n"
        "print(sorted({'cv2', 'PIL', 'cupy', 'torch', 'av', 'polars', 'scipy'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_public_names_say_what_they_do():
    for name in room.__all__:
        public = getattr(room, name)
        if inspect.isclass(public) or inspect.isfunction(public):
            assert len(public.__doc__ or "") > 20
