# GRUB as the installer lays it out: in the BIOS boot partition and at the fallback path of the EFI system partition.
{ config, lib, pkgs, ... }:
let
  cfg = config.bootstead.machine;
  startsByBIOS = cfg.firmware != "uefi";
  startsByUEFI = cfg.firmware != "bios";
in
{
  config = {
    assertions = [
      {
        assertion = pkgs.stdenv.hostPlatform.isx86 || cfg.firmware == "uefi";
        message = "bootstead.machine.firmware: ${pkgs.stdenv.hostPlatform.system} starts by UEFI only; set it to \"uefi\".";
      }
    ];

    boot.loader.grub = {
      enable = lib.mkDefault true;
      devices = if startsByBIOS then [ cfg.bootDisk ] else [ "nodev" ];
      efiSupport = startsByUEFI;
      # The fallback path needs no entry in the firmware's memory, which is lost with the board.
      efiInstallAsRemovable = startsByUEFI;
      # Kernels lie on the EFI system partition, which has 1 GiB.
      configurationLimit = lib.mkDefault 8;
    };
    boot.loader.efi.efiSysMountPoint = lib.mkDefault "/boot";

    # The disk may move to another board or another controller: everything that usually carries a disk is there.
    boot.initrd.availableKernelModules = [
      "ahci"
      "nvme"
      "sd_mod"
      "usb_storage"
      "uas"
      "xhci_pci"
      "virtio_pci"
      "virtio_blk"
      "virtio_scsi"
    ]
    ++ lib.optionals pkgs.stdenv.hostPlatform.isx86 [
      "ata_piix"
      "mptspi"
      "vmw_pvscsi"
      "megaraid_sas"
      "mpt3sas"
    ];
    hardware.enableRedistributableFirmware = lib.mkDefault true;
  };
}
