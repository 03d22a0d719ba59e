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
  excluded = [
    "k3s-server"
    "k3s-agent"
  ];
in
{
  options.bootstead.roles.k3s-server-init =
    k3s.options "the first server of a k3s cluster, with etcd"
    // k3s.serverOptions
    // {
      join = lib.mkOption {
        type = lib.types.nullOr k3s.joinOption.type;
        default = null;
        example = "https://192.0.2.32:6443";
        description = ''
          The API of another server of the same cluster, once there is one: where this machine joins when its system is
          made anew. With null a new system makes a new, empty cluster. k3s looks at it only where it has no state.
        '';
      };
    };

  config = lib.mkMerge [
    {
      bootstead.excludedRoles.k3s-server-init = excluded;
    }
    (lib.mkIf (cfg.enable && k3s.isAlone excluded) (
      lib.mkMerge [
        (k3s.node cfg)
        (k3s.server cfg)
        {
          # With both, k3s without state would join too; with the first alone it makes a cluster.
          services.k3s = if cfg.join == null then { clusterInit = true; } else { serverAddr = cfg.join; };
        }
      ]
    ))
  ];
}
