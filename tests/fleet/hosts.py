"""The test hosts: what differs between them, and nothing about how they are built or started."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spec:
    """One host. `image` names the suite's image; all hosts of a suite share it."""

    name: str
    image: str
    variant: str = ""  # "", "v1", "hybrid", "nomem", "grub"
    append: tuple = ()  # kernel arguments beyond the common ones
    grub: bool = False  # boots by itself, so that boot arguments can be changed inside
    cgroup: str = "v2"  # what the host shows: v1, hybrid, v2
    memory_controller: bool = True
    memory: int = 1024  # MiB
    processors: int = field(default=1, repr=False)  # saved hosts are named by repr()
    nodes: tuple = ()  # MiB of each NUMA node, if there are several; all processors are in the first

    @property
    def limits_rootless(self):
        """Whether a rootless container's memory limit can be enforced at all."""
        return self.cgroup == "v2" and self.memory_controller


# image name -> Debian suite
SUITES = {"debian12": "bookworm", "debian13": "trixie", "testing": "testing"}

DEFAULT = ("debian12", "debian13", "testing")

HOSTS = {
    spec.name: spec
    for spec in (
        Spec("debian12", "debian12"),
        Spec("debian13", "debian13"),
        Spec("testing", "testing", nodes=(896, 128)),  # the second is soon full, for one who may use no other
        Spec(
            "debian12-v1",
            "debian12",
            variant="v1",
            append=("systemd.unified_cgroup_hierarchy=0", "systemd.legacy_systemd_cgroup_controller=1"),
            cgroup="v1",
        ),
        Spec(
            "debian12-hybrid",
            "debian12",
            variant="hybrid",
            append=("systemd.unified_cgroup_hierarchy=0", "systemd.legacy_systemd_cgroup_controller=0"),
            cgroup="hybrid",
        ),
        Spec(
            "debian13-nomem",
            "debian13",
            variant="nomem",
            append=("cgroup_disable=memory",),
            memory_controller=False,
        ),
        Spec("debian13-smp", "debian13", processors=2),
        Spec("debian12-grub", "debian12", variant="grub", grub=True),
        Spec("debian13-grub", "debian13", variant="grub", grub=True),
    )
}
