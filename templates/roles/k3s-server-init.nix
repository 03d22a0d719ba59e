# The first server of a k3s cluster: it makes the cluster, the others join it.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  cfg = config.bootstead.roles.k3s-server-init;
  k3s = import ./_k3s.nix { inherit lib config bootsteadLib; };
in
{
  options.bootstead.roles.k3s-server-init =
    k3s.options "the first server of a k3s cluster, with etcd" // k3s.serverOptions;

  config = lib.mkMerge [
    {
      bootstead.excludedRoles.k3s-server-init = [
        "k3s-server"
        "k3s-agent"
      ];
    }
    (lib.mkIf cfg.enable (
      lib.mkMerge [
        (k3s.node cfg)
        (k3s.server cfg)
        { services.k3s.clusterInit = true; }
      ]
    ))
  ];
}
