# The installer as a folder that a running Linux starts by kexec. `bootstead kexec` does not need it: it fetches the same
# kernel and initrd from the appliance. This is for rescue systems in which nothing but a shell and kexec can be used.
{
  config,
  lib,
  pkgs,
  ...
}:
{
  imports = [ ../installer ];

  config = {
    bootstead.installer.variant = "NixOS installer, by kexec";

    system.build.kexecScript = lib.mkForce (
      pkgs.writeScript "kexec-boot" (builtins.readFile ./kexec-boot.sh)
    );
    system.build.kexecTree = lib.mkForce (
      pkgs.linkFarm "bootstead-kexec" [
        {
          name = "kernel";
          path = "${config.system.build.kernel}/${config.system.boot.loader.kernelFile}";
        }
        {
          name = "initrd";
          path = "${config.system.build.netbootRamdisk}/initrd";
        }
        {
          name = "kexec-boot";
          path = config.system.build.kexecScript;
        }
        {
          name = "command-line";
          path = pkgs.writeText "command-line" "${toString config.boot.kernelParams} console=tty0\n";
        }
      ]
    );
  };
}
