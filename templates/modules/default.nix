# The option tree `bootstead.*`. Roles, storage, access and backup designs are the files of their folders: a new one is
# there as soon as its file is.
let
  discover = import ../lib/discover.nix;
  files = folder: builtins.attrValues (discover folder);
in
{
  imports = [
    ./machine.nix
    ./administrator.nix
    ./network.nix
    ./boot.nix
    ./storage.nix
    ./roles.nix
    ./secrets.nix
    ./agent.nix
    ./stacks.nix
    ./backup.nix
  ]
  ++ files ../roles
  ++ files ../storage
  ++ files ../access
  ++ files ../backup;
}
