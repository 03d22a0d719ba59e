# The flake of the nodes whose machine.json lies in machines. It is the same for every machine and every fleet.
{
  description = "NixOS nodes of a Bootstead appliance";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { nixpkgs, ... }:
    let
      bootstead = import ./bootstead/lib { inherit nixpkgs; };
      files = builtins.filter (name: builtins.match ".+\\.json" name != null) (
        builtins.attrNames (builtins.readDir ./machines)
      );
    in
    {
      nixosConfigurations = builtins.listToAttrs (
        map (file: {
          name = builtins.substring 0 (builtins.stringLength file - 5) file;
          value = bootstead.node { machine = ./machines + "/${file}"; };
        }) files
      );
      nixosModules.default = ./bootstead/modules;
    };
}
