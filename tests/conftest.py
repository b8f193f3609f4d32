"""What all tests share: properties are about values, never about how fast a machine is."""

from hypothesis import settings

settings.register_profile("fanfold", deadline=None)
settings.load_profile("fanfold")
