"""What several folders of tests share, and is made once for all of a worker's."""

from __future__ import annotations

import pytest
from installed import Installed, install


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own. Who asks for it is of the group "package"."""
    return install(tmp_path_factory.mktemp("package"))
