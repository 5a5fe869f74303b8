"""Hold every feed contract against the Open Data Contract Standard with the public datacontract tool, without network.

Run by `make lint-contracts` in an environment of its own: the tool pins an older DuckDB than ours.
"""

import sys
from pathlib import Path

from datacontract.data_contract import DataContract
from datacontract.model.run import ResultEnum

CONTRACTS = Path(__file__).parents[1] / "sources" / "contracts"


def complaints(path: Path) -> list[str]:
    """One line for each check that the contract does not pass; a run without a check passed nothing."""
    run = DataContract(data_contract_file=str(path), inline_references=False, all_errors=True).lint()
    name = path.relative_to(CONTRACTS)
    if not run.checks:
        return [f"{name}: the tool made no check."]
    return [f"{name}: {check.name}: {check.reason}" for check in run.checks if check.result is not ResultEnum.passed]


def main() -> None:
    paths = sorted(CONTRACTS.glob("*/*.yaml"))
    found = [line for path in paths for line in complaints(path)]
    if found or not paths:
        sys.exit("\n".join(found) or f"{CONTRACTS} holds no contract.")
    print(f"{len(paths)} contracts are valid against the Open Data Contract Standard.")


if __name__ == "__main__":
    main()
