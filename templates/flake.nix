{
  description = "Bootstead: a node, or a fleet of them, from data";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { nixpkgs, ... }:
    let
      bootstead = import ./lib { inherit nixpkgs; };
    in
    {
      lib = bootstead;
      nixosModules.default = ./modules;
      # The appliance puts machine.json beside this file; nothing else differs from machine to machine.
      nixosConfigurations =
        if builtins.pathExists ./machine.json then
          {
            ${(bootstead.read ./machine.json).name} = bootstead.node { machine = ./machine.json; };
          }
        else
          { };
    };
}
