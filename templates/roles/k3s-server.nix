# A further server of a k3s cluster. Three servers bear the loss of one.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  cfg = config.bootstead.roles.k3s-server;
  k3s = import ./_k3s.nix { inherit lib config bootsteadLib; };
in
{
  options.bootstead.roles.k3s-server =
    k3s.options "a further server of a k3s cluster" // k3s.serverOptions // { join = k3s.joinOption; };

  config = lib.mkMerge [
    {
      bootstead.excludedRoles.k3s-server = [
        "k3s-server-init"
        "k3s-agent"
      ];
    }
    (lib.mkIf cfg.enable (
      lib.mkMerge [
        (k3s.node cfg)
        (k3s.server cfg)
        { services.k3s.serverAddr = cfg.join; }
      ]
    ))
  ];
}
