/// Opens a claim. Not signed: the agent shows its key only after the appliance has committed itself.
public struct BeginRequest: Hashable, Sendable, Codable {
  public var bootNonce: BootNonce

  public init(bootNonce: BootNonce) { self.bootNonce = bootNonce }
}

/// The appliance's promise.
public struct BeginAnswer: Hashable, Sendable, Codable {
  public var session: SessionIdentifier
  public var commitment: ClaimCommitment

  public init(session: SessionIdentifier, commitment: ClaimCommitment) {
    self.session = session
    self.commitment = commitment
  }
}

/// The agent's keys, made in this boot's memory, and what the machine is. The same keys may say hello again in a new
/// session, after a lost answer or a restart of the appliance: that goes on with the same claim. Other keys for the
/// same boot nonce are a second claimant.
public struct HelloRequest: Sendable, Codable {
  public var session: SessionIdentifier
  public var bootNonce: BootNonce
  public var agentKey: SigningPublicKey
  /// Secrets for this machine are sealed to it; it goes on to live on the installed node.
  public var recipient: AgeRecipient
  public var agentNonce: ClaimNonce
  public var inventory: MachineInventory

  public init(
    session: SessionIdentifier, bootNonce: BootNonce, agentKey: SigningPublicKey, recipient: AgeRecipient,
    agentNonce: ClaimNonce, inventory: MachineInventory
  ) {
    self.session = session
    self.bootNonce = bootNonce
    self.agentKey = agentKey
    self.recipient = recipient
    self.agentNonce = agentNonce
    self.inventory = inventory
  }
}

/// The appliance keeps its promise; now both sides know the ``ShortCode``.
public struct HelloAnswer: Hashable, Sendable, Codable {
  public var serverNonce: ClaimNonce
  /// As the operator named the machine, or nil.
  public var machineName: String?

  public init(serverNonce: ClaimNonce, machineName: String? = nil) {
    self.serverNonce = serverNonce
    self.machineName = machineName
  }
}
