# Volumes of a Kubernetes cluster on this machine's own thin pool.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage.k8s-local;
  inherit (config.bootstead.storage) thinPool fileSystems;
  isTopoLVM = cfg.provisioner == "topolvm";
  isServer = config.services.k3s.enable && config.services.k3s.role == "server";
in
{
  options.bootstead.storage.k8s-local = {
    enable = lib.mkEnableOption "volumes for Kubernetes on the thin pool";
    provisioner = mkOption {
      type = types.enum [
        "topolvm"
        "local-path"
      ];
      default = "local-path";
      description = ''
        `local-path` makes folders in a file system of its own, and needs nothing else. `topolvm` makes a thin volume
        for each claim; TopoLVM has to be installed in the cluster.
      '';
    };
    path = mkOption {
      type = bootsteadLib.absolutePath;
      default = "/srv/kubernetes";
      description = "With `local-path`: the mount point of a thin volume. Never the root file system, which pods could fill.";
    };
    storageClass = mkOption {
      type = types.strMatching "[a-z0-9]([a-z0-9-]*[a-z0-9])?";
      default = "thin";
      description = "The storage class's name.";
    };
    overprovisionRatio = mkOption {
      type = types.numbers.between 1 10;
      default = 1;
      description = "With `topolvm`: how much more than the pool holds the volumes may promise.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = thinPool != null;
        message = "bootstead.storage.k8s-local: it needs the thin pool, and bootstead.storage.thinPool is not set.";
      }
      {
        assertion = isTopoLVM || lib.any (entry: entry.mountPoint == cfg.path) fileSystems;
        message = "bootstead.storage.k8s-local.path: there is no file system on ${cfg.path}; make a thin volume for it, so that pods cannot fill the system.";
      }
    ];
    boot.kernelModules = [
      "dm_snapshot"
      "dm_thin_pool"
    ];
    environment.etc."topolvm/lvmd.yaml" = lib.mkIf isTopoLVM {
      source = (pkgs.formats.yaml { }).generate "lvmd.yaml" {
        socket-name = "/run/topolvm/lvmd.sock";
        device-classes = [
          {
            name = cfg.storageClass;
            default = true;
            type = "thin";
            volume-group = lib.mapNullable (pool: pool.volumeGroup) thinPool;
            thin-pool = {
              name = lib.mapNullable (pool: pool.pool) thinPool;
              overprovision-ratio = cfg.overprovisionRatio;
            };
          }
        ];
      };
    };
    services.k3s.manifests = lib.mkIf isServer {
      bootstead-storage-class.content = {
        apiVersion = "storage.k8s.io/v1";
        kind = "StorageClass";
        metadata.name = cfg.storageClass;
        provisioner = if isTopoLVM then "topolvm.io" else "rancher.io/local-path";
        volumeBindingMode = "WaitForFirstConsumer";
        reclaimPolicy = "Delete";
        allowVolumeExpansion = isTopoLVM;
      }
      // lib.optionalAttrs isTopoLVM {
        parameters."topolvm.io/device-class" = cfg.storageClass;
      };
    };
    services.k3s.extraFlags = lib.mkIf (isServer && !isTopoLVM) [
      "--default-local-storage-path=${cfg.path}"
    ];
  };
}
