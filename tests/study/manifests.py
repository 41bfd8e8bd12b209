"""What a manifest holds at the least, for tests that put jobs into a store by hand."""

WHOLE = {
    "format": 1,
    "artifacts": {},
    "files": {},
    "ingredients": {"parameters": {}, "inputs": {}, "modules": {}, "data": {}, "notebook": []},
    "parameters": {},
    "environment": {"packages": {}},
    "execution": "an execution",
    "key": "a key",
    "stage": "a stage",
    "started": 0.0,
    "seconds": 1.0,
}
