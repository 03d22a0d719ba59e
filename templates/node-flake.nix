# The flake of the nodes whose machine.json lies in machines. It is the same for every machine and every fleet.
{
  description = "NixOS nodes of a Bootstead appliance";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { nixpkgs, ... }:
    let
      bootstead = import ./bootstead/lib { inherit nixpkgs; };
    in
    {
      nixosConfigurations = bootstead.fleet ./.;
      nixosModules.default = ./bootstead/modules;
    };
}
