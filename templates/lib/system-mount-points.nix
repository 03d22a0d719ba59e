# What belongs to the system itself; every other file system is data.
[
  "/"
  "/boot"
  "/efi"
  "/nix"
  "/nix/store"
  "/var"
  "/var/log"
  "/home"
]
