# A worker of a k3s cluster.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  cfg = config.bootstead.roles.k3s-agent;
  k3s = import ./_k3s.nix { inherit lib config bootsteadLib; };
in
{
  options.bootstead.roles.k3s-agent =
    k3s.options "a worker of a k3s cluster" // { join = k3s.joinOption; };

  config = lib.mkMerge [
    {
      bootstead.excludedRoles.k3s-agent = [
        "k3s-server-init"
        "k3s-server"
      ];
    }
    (lib.mkIf cfg.enable (
      lib.mkMerge [
        (k3s.node cfg)
        {
          services.k3s = {
            role = "agent";
            serverAddr = cfg.join;
          };
        }
      ]
    ))
  ];
}
