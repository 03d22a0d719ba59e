{
  services.thereIsNoSuchService.enable = true;
}
