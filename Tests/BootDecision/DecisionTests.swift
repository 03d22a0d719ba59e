import BootDecision
import Testing
