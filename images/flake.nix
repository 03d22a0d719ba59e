{
  description = "Bootstead: the NixOS installer, the kexec image and the base system";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { nixpkgs, ... }:
    let
      images = import ./. { inherit nixpkgs; };
    in
    {
      lib = images;
      nixosModules = {
        installer = ./installer;
        kexec = ./kexec;
        base = ./base;
      };
      # The agent's executable is given from outside, so that the whole is
      # `nix build --impure .#installer` with BOOTSTEAD_AGENT set to its path, or lib.installer { … }.
      packages = nixpkgs.lib.genAttrs images.systems (
        system:
        let
          path = builtins.getEnv "BOOTSTEAD_AGENT";
          arguments = {
            inherit system;
            agent = if path == "" then null else /. + path;
          };
        in
        {
          installer = images.installer arguments;
          kexec = images.kexec arguments;
          base = images.base arguments;
        }
      );
    };
}
