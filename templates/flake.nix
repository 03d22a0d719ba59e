{
  description = "Bootstead: NixOS modules for nodes that are described by data";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { nixpkgs, ... }:
    {
      lib = import ./lib { inherit nixpkgs; };
      nixosModules.default = ./modules;
    };
}
