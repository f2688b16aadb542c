"""What runs outside a request, and who runs it: sender, scheduler, the service of both, the demo's mail catcher."""
