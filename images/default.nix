# The images as functions of a nixpkgs, for the flake and for the checks.
{ nixpkgs }:
let
  systemOf =
    module:
    {
      # "x86_64-linux" or "aarch64-linux"
      system,
      # The path of the static bootstead-agent for it.
      agent ? null,
      # Own modules.
      modules ? [ ],
    }:
    import (nixpkgs + "/nixos/lib/eval-config.nix") {
      # The platform is the module's.
      system = null;
      modules = [
        module
        {
          nixpkgs.hostPlatform = system;
          bootstead.agentExecutable = agent;
        }
      ]
      ++ modules;
    };
  build = configuration: configuration.config.system.build;
in
{
  systems = [
    "x86_64-linux"
    "aarch64-linux"
  ];

  configurations = {
    installer = systemOf ./installer;
    kexec = systemOf ./kexec;
    base = systemOf ./base;
  };

  # A folder with `kernel` and `initrd`, for `bootstead image add`.
  installer = arguments: (build (systemOf ./installer arguments)).bootsteadImage;
  # A folder with `kernel`, `initrd` and `kexec-boot`.
  kexec = arguments: (build (systemOf ./kexec arguments)).kexecTree;
  # A closure, for `nix copy --to` the appliance.
  base = arguments: (build (systemOf ./base arguments)).toplevel;
}
