// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Answers one question in one `eth_call` without `to`, so that nothing is deployed: does the account at `signer` hold `signature`
/// for a signature over `digest`? By ERC-6492 and ERC-1271, in the order that ERC-6492 demands; `ecrecover` is left to the caller.
///
/// Yes is keccak256(abi.encode(chain id, signer, digest)), no is zero or a revert. A node that did not run this cannot know the
/// answer by heart: no constant means yes.
contract SignatureValidator {
    bytes32 private constant WRAPPED = 0x6492649264926492649264926492649264926492649264926492649264926492;
    bytes32 private constant VALID = bytes32(bytes4(0x1626ba7e));

    constructor(address signer, bytes32 digest, bytes memory signature) {
        bytes32 answer = isValid(signer, digest, signature)
            ? keccak256(abi.encode(block.chainid, signer, digest))
            : bytes32(0);
        assembly {
            mstore(0, answer)
            return(0, 32)
        }
    }

    function isValid(address signer, bytes32 digest, bytes memory signature) private returns (bool) {
        if (!isWrapped(signature)) return accepts(signer, digest, signature);
        assembly {
            mstore(signature, sub(mload(signature), 32))
        }
        (address factory, bytes memory data, bytes memory inner) = abi.decode(signature, (address, bytes, bytes));
        // A wallet that is there answers for itself first: its owners may have changed since the signature was wrapped.
        if (accepts(signer, digest, inner)) return true;
        (bool done, ) = factory.call(data);
        return done && accepts(signer, digest, inner);
    }

    function isWrapped(bytes memory signature) private pure returns (bool) {
        if (signature.length < 32) return false;
        bytes32 last;
        assembly {
            last := mload(add(signature, mload(signature)))
        }
        return last == WRAPPED;
    }

    /// A wallet that takes the same signature for another digest too does not look at what is signed: it proves nothing.
    function accepts(address signer, bytes32 digest, bytes memory signature) private view returns (bool) {
        return says(signer, digest, signature) && !says(signer, ~digest, signature);
    }

    function says(address signer, bytes32 digest, bytes memory signature) private view returns (bool) {
        // Precompiles have no code, and one of them gives back what it is given.
        if (signer.code.length == 0) return false;
        (bool done, bytes memory answer) = signer.staticcall(abi.encodeWithSelector(0x1626ba7e, digest, signature));
        return done && answer.length >= 32 && bytes32(answer) == VALID;
    }
}
