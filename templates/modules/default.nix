# The option tree `bootstead.*`. Roles, storage, access and backup designs are the files of their folders: a new one is
# there as soon as its file is.
{ lib, ... }:
let
  discover = import ../lib/discover.nix;
  files = folder: builtins.attrValues (discover folder);
in
{
  imports = [
    ./administrator.nix
    ./agent.nix
    ./backup.nix
    ./boot.nix
    ./machine.nix
    ./network.nix
    ./roles.nix
    ./secrets.nix
    ./stack-options.nix
    ./stacks.nix
    ./storage.nix
  ]
  ++ files ../roles
  ++ files ../storage
  ++ files ../access
  ++ files ../backup;

  _module.args.bootsteadLib = import ../lib/types.nix { inherit lib; };
}
