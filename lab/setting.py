"""Where and in what light a picture is taken."""

from dataclasses import dataclass

from lab.carpaint import Light

# Sun (direction, colour), zenith, horizon, ground, skyline.
LIGHTS = {
    "sunny": Light(
        (0.35, 0.48, 0.80), (1.25, 1.17, 1.02),
        (0.26, 0.40, 0.68), (0.80, 0.86, 0.92), (0.17, 0.165, 0.16), exposure=0.92,
    ),
    "cloudy": Light(
        (0.1, 0.2, 0.97), (0.10, 0.10, 0.10),
        (0.62, 0.66, 0.72), (0.86, 0.88, 0.90), (0.16, 0.155, 0.15), exposure=1.0,
    ),
    "dusk": Light(
        (0.2, -0.7, 0.35), (0.22, 0.12, 0.06),
        (0.16, 0.20, 0.34), (0.62, 0.42, 0.34), (0.08, 0.075, 0.08), (0.04, 0.04, 0.05), exposure=1.35,
    ),
    "night": Light(
        (0.0, 0.1, 0.99), (0.10, 0.07, 0.03),
        (0.010, 0.012, 0.022), (0.05, 0.045, 0.04), (0.03, 0.027, 0.022), (0.015, 0.013, 0.01), flash=1.5, exposure=1.3,
    ),
    "basement": Light(
        (0.0, 0.0, 1.0), (0.05, 0.05, 0.05),
        (0.36, 0.37, 0.36), (0.20, 0.20, 0.19), (0.13, 0.13, 0.125), (0.10, 0.10, 0.10), tubes=True, exposure=1.15,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """Where a picture is taken: ground is street, carpark, basement or field; light is a key of LIGHTS."""

    ground: str
    light: str
    seed: int
    water_z: float = 0.0  # metres of water standing on the ground
    skid: bool = False  # tyre marks behind the car

    @property
    def lamp(self) -> Light:
        """The light of the place."""
        return LIGHTS[self.light]
