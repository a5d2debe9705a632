"""Writes the software bill of materials of each shipped pin list (CycloneDX 1.6, JSON).

    make sbom              (make lock does it, too)

It says what the list says: package, version, condition and hashes. It holds no time and no random
number, so that it changes only when the list does.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from pin_list import PINS, SHIPPED, Pin, list_of, read_pins


def component(pin: Pin) -> Component:
    """The component of a pin; its files' hashes stand at the reference to its distribution."""
    address = PackageURL("pypi", None, pin.name, pin.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(address)),  # an index is the choice of whoever installs
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256) for sha256 in pin.hashes],
    )
    condition = [Property(name="seqctx:condition", value=pin.condition)] if pin.condition else []
    return Component(
        name=pin.name, version=pin.version, purl=address, bom_ref=str(address),
        type=ComponentType.LIBRARY, external_references=[files], properties=condition,
    )  # fmt: skip


def bill(name: str) -> str:
    """The bill of a list, as JSON.

    Raises:
        SystemExit: when it does not follow CycloneDX's schema.
    """
    pins = read_pins(list_of(name).read_text("utf-8"))
    whole = Component(name=f"seqctx-{name}", type=ComponentType.APPLICATION, bom_ref=name)
    parts = [component(pin) for pin in pins]
    bom = Bom(components=parts)
    bom.metadata.component = whole
    bom.register_dependency(whole, parts)
    bom.serial_number = None  # type: ignore[assignment]  # it would be random
    bom.metadata.timestamp = None  # type: ignore[assignment]
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"{name}: the bill does not follow CycloneDX's schema: {error}")
    return lines(json.loads(text))


def lines(bill: dict[str, Any]) -> str:
    """A bill as JSON with one line for each package, so that a change of the list can be read."""
    parts = []
    for key, value in bill.items():
        each = ",\n".join(json.dumps(item) for item in value) if isinstance(value, list) else ""
        parts.append(f"{json.dumps(key)}: " + (f"[\n{each}\n]" if each else json.dumps(value)))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write the bills of all lists beside them."""
    for name in SHIPPED:
        target, text = PINS / f"{name}.cdx.json", bill(name)
        target.write_text(text, "utf-8")
        print(f"{target.name}: {len(text) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
