"""What all tests share: servers, and that properties are not about how fast a machine is."""

from hypothesis import settings

pytest_plugins = ["tests.kfp_server.fixtures", "tests.servers.fixtures"]

settings.register_profile("fanfold", deadline=None)
settings.load_profile("fanfold")
