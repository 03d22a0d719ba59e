# What a machine is when it has nothing to do: reachable, and its data left alone.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.golden;
  isSystem = mountPoint: lib.elem mountPoint (import ../lib/system-mount-points.nix);
  # No layout has the system itself on LVM.
  noVolumes = "activation/auto_activation_volume_list = []\n";
in
{
  options.bootstead.roles.golden.enable = lib.mkEnableOption "the golden state: SSH and the agent on DHCP, and data volumes that stay inactive";

  # Data is neither mounted nor activated: not a byte of it changes while nobody owns it.
  options.fileSystems = mkOption {
    type = types.attrsOf (
      types.submodule (
        { config, ... }:
        {
          config.enable = lib.mkIf (cfg.enable && !isSystem config.mountPoint) (lib.mkForce false);
        }
      )
    );
  };

  config = lib.mkMerge [
    {
      # Everything but the base: the list is made of what there is.
      bootstead.excludedRoles.golden = lib.subtractLists [ "golden" "base-hardened" ] (
        lib.attrNames config.bootstead.roles
      );
    }
    (lib.mkIf cfg.enable {
      environment.etc."lvm/lvm.conf".text = noVolumes;
      boot.initrd.systemd.contents."/etc/lvm/lvm.conf".text = noVolumes;
      boot.zfs.extraPools = lib.mkForce [ ];
      documentation.enable = lib.mkDefault false;

      assertions = [
        {
          assertion = config.bootstead.stacks.names == [ ];
          message = "bootstead.stacks: a machine in the golden state runs no stacks; take the stacks out, or the role \"golden\".";
        }
      ];
    })
  ];
}
